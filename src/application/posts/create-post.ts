import { safeTry, type Result } from "neverthrow";
import type { Actor } from "../../domain/access.ts";
import type { PostId } from "../../domain/id.ts";
import {
  newDraft,
  newPublishedPost,
  type ContentRequired,
  type Post,
  type PostContent,
  type PostStatus,
  type PostTitle,
} from "../../domain/post.ts";
import type { AuthorNotFound } from "../../domain/post-repository.ts";
import type { StorageFailure } from "../../domain/storage-failure.ts";
import { directly, type Commit, type CommitError } from "../commit.ts";
import type { Clock } from "../ports/clock.ts";
import type { IdGenerator } from "../ports/id-generator.ts";
import type { Repositories } from "../ports/unit-of-work.ts";
import type { InvalidSession } from "../sessions/authenticate.ts";

export interface CreatePostInput {
  readonly title: PostTitle;
  readonly content: PostContent;
  readonly status: PostStatus;
}

export type CreatePostError = ContentRequired | InvalidSession | CommitError;

export interface CreatePostDependencies extends Repositories {
  readonly ids: IdGenerator;
  readonly clock: Clock;
}

/** Writes a post, as a draft or published at once. */
export function createPost({ ids, clock, ...repositories }: CreatePostDependencies) {
  return async (
    actor: Actor,
    { title, content, status }: CreatePostInput,
    commit: Commit<Post> = directly(repositories),
  ): Promise<Result<Post, CreatePostError>> =>
    safeTry<Post, CreatePostError>(async function* () {
      const fields = { id: ids.next<PostId>(), title, content, authorId: actor.userId };
      const now = clock.now();
      const post: Post = status === "published" ? yield* newPublishedPost(fields, now) : newDraft(fields, now);
      return commit(async ({ posts }) => (await posts.insert(post)).map(() => post).mapErr(invalidWhenAuthorGone));
    });
}

/** A user who was deleted since they were authenticated has no session either. */
function invalidWhenAuthorGone(failure: AuthorNotFound | StorageFailure): InvalidSession | StorageFailure {
  return failure.kind === "author_not_found" ? { kind: "invalid_session" } : failure;
}
