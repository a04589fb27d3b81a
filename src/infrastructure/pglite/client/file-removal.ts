/** Statements that never truncate, replace or remove the file of a table that exists. Files of new tables are not recorded yet. */
const KEEPS_FILES =
  /^[\s(]*(?:select|values|table|with|insert|update|delete|merge|copy|begin|start|commit|end|rollback|abort|savepoint|release|set|reset|show|explain|analyze|create|comment|grant|revoke|listen|unlisten|notify|prepare|execute|deallocate|declare|fetch|move|close|lock|checkpoint)\b/i;

/** Whether a statement may truncate, replace or remove files, as DROP, ALTER, TRUNCATE and VACUUM FULL do. */
export function mayRemoveFiles(text: string): boolean {
  return !KEEPS_FILES.test(text);
}
