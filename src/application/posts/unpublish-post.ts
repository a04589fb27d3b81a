import { unpublishPost as unpublish } from "../../domain/post/post.ts";
import { changeStatus, type ChangeStatusDependencies } from "./change-status.ts";

export function unpublishPost(dependencies: ChangeStatusDependencies) {
  return changeStatus(dependencies, unpublish);
}
