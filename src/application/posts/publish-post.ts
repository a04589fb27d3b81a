import type { Result } from "neverthrow";
import type { Actor } from "../../domain/access.ts";
import {
  publishPost as publish,
  type ContentRequired,
  type Post,
  type PostAlreadyPublished,
} from "../../domain/post.ts";
import { changePost, type ChangePostDependencies, type ChangePostError } from "./change-post.ts";
import type { PostTarget } from "./find-changeable-post.ts";

export type PublishPostError = PostAlreadyPublished | ContentRequired | ChangePostError;

export function publishPost(dependencies: ChangePostDependencies) {
  return async (actor: Actor, target: PostTarget): Promise<Result<Post, PublishPostError>> =>
    changePost(dependencies, actor, target, publish);
}
