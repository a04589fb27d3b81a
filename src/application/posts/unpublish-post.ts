import type { Result } from "neverthrow";
import type { Actor } from "../../domain/access.ts";
import { unpublishPost as unpublish, type Post, type PostNotPublished } from "../../domain/post.ts";
import { changePost, type ChangePostDependencies, type ChangePostError } from "./change-post.ts";
import type { PostTarget } from "./find-changeable-post.ts";

export type UnpublishPostError = PostNotPublished | ChangePostError;

export function unpublishPost(dependencies: ChangePostDependencies) {
  return async (actor: Actor, target: PostTarget): Promise<Result<Post, UnpublishPostError>> =>
    changePost(dependencies, actor, target, unpublish);
}
