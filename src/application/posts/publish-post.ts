import { publishPost as publish } from "../../domain/post/post.ts";
import { changeStatus, type ChangeStatusDependencies } from "./change-status.ts";

export function publishPost(dependencies: ChangeStatusDependencies) {
  return changeStatus(dependencies, publish);
}
