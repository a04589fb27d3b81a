/** `quire-api/testing`: the API and its parts for tests, with any test runner. */
export { failing, type StorageMethod } from "../testing/failing.ts";
export {
  aDraft,
  aPublishedPost,
  aSession,
  aUser,
  recordingLog,
  testClock,
  type RecordedLine,
  type TestClock,
} from "../testing/fixtures.ts";
export { PASSWORD, testApp, type TestApp, type TestAppOptions, type TestUser } from "../testing/test-app.ts";
