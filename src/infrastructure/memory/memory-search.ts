import type { Post } from "../../domain/post/post.ts";
import type { FoundPost } from "../../domain/search/found-post.ts";
import { indexedTerms } from "../../domain/search/indexed-terms.ts";
import { levelExpressions, levelsOf } from "../../domain/search/match-levels.ts";
import { rankHits } from "../../domain/search/ranking.ts";
import { evaluate, indexable, type Lexemes } from "../../domain/search/search-expression.ts";
import { searchPasses, type SearchPass } from "../../domain/search/search-passes.ts";
import type { SearchQuery } from "../../domain/search/search-query.ts";
import { isTypoMatch } from "../../domain/search/typo-match.ts";

/** Posts are immutable: an update stores another object. */
const INDEX = new WeakMap<Post, Lexemes>();

function lexemesOf(post: Post): Lexemes {
  const known = INDEX.get(post);
  if (known !== undefined) return known;
  const lexemes = new Map(indexedTerms(post).map(({ lexeme, positions }) => [lexeme, positions]));
  INDEX.set(post, lexemes);
  return lexemes;
}

type RankedPost = Post & Pick<FoundPost, "rank">;

/** The ranked posts of all passes of a search among the posts that the viewer may see, best first. */
export function findPosts(visible: readonly Post[], query: SearchQuery, isCounted: boolean): readonly RankedPost[] {
  const newestFirst = visible.toSorted((a, b) => (a.id < b.id ? 1 : -1));
  const found = new Map<Post["id"], Post>();
  for (const pass of searchPasses(query, isCounted)) {
    if (pass.isTypo && found.size > 0) break;
    for (const post of hitsOf(newestFirst, pass, query)) found.set(post.id, post);
  }
  const levels = levelExpressions(query);
  const hits = [...found.values()].map((post) => ({ id: post.id, levels: levelsOf(levels, lexemesOf(post)) }));
  return rankHits(query, hits).flatMap(({ id, rank }) => {
    const post = found.get(id);
    return post === undefined ? [] : [{ ...post, rank }];
  });
}

function hitsOf(
  newestFirst: readonly Post[],
  { expression, maxHits, isTypo }: SearchPass,
  query: SearchQuery,
): readonly Post[] {
  const inIndex = indexable(expression);
  const hits: Post[] = [];
  for (const post of newestFirst) {
    if (hits.length === maxHits) break;
    const lexemes = lexemesOf(post);
    if (evaluate(inIndex, lexemes) && evaluate(expression, lexemes)) hits.push(post);
  }
  return isTypo ? hits.filter((post) => isTypoMatch(query, post)) : hits;
}
