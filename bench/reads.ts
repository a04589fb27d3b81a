import { DATA_SET } from "./data-set.ts";
import { seededRandom, weightedDraw, type Random } from "./random.ts";

/** The length of a sequence: a repetition must not find the posts of the previous pass in a cache of 64 MiB. */
const MANY = 100_000;

type Draw = (random: Random) => number;

/** A sequence of random numbers of posts. */
function sequence(seed: number, draw: Draw): readonly number[] {
  const random = seededRandom(seed);
  return Array.from({ length: MANY }, () => draw(random));
}

/** The numbers of all posts, the most popular first. Popular posts are spread over all ages. */
function byPopularity(): readonly number[] {
  const random = seededRandom(3);
  const numbers = Array.from({ length: DATA_SET.posts }, (_, index) => ({ number: index + 1, key: random() }));
  return numbers.toSorted((a, b) => a.key - b.key).map(({ number }) => number);
}

function zipf(): Draw {
  const numbers = byPopularity();
  const rank = weightedDraw(numbers.length, (n) => 1 / (n + 1));
  return (random) => numbers[rank(random)] ?? 1;
}

/** The numbers of the posts that are read, in order. They are the same for every contender and in every run. */
export const READS = {
  /** Each post has the same probability. */
  uniform: sequence(1, (random) => 1 + Math.floor(random() * DATA_SET.posts)),
  /** The n-th most popular post has a probability in proportion to 1 / n. */
  zipf: sequence(2, zipf()),
} as const;
