import { LRUCache } from "lru-cache";
import type { Result } from "neverthrow";

interface CoherentCacheOptions<Value> {
  /** The bound on the memory of the cache. The values that were read the longest time ago are evicted. */
  readonly maxBytes: number;
  readonly bytesOf: (value: Value) => number;
  /** The tags of a cached value. A change names the values that it may affect by their tags. */
  readonly tagsOf: (value: Value) => readonly string[];
}

/** The values that a write may change: that of one key, and all with one of the tags. */
export interface Change<Key> {
  readonly key?: Key;
  readonly tags?: readonly string[];
}

/** The loads of one key that overlap each other and no change of it. */
interface Loads {
  readonly tags: readonly string[];
  running: number;
}

/**
 * A cache that never returns a stale value. From the beginning of a change until its end, whatever its outcome is, the values that
 * it may affect are not in the cache, and a load that overlaps it is not cached.
 */
export class CoherentCache<Key extends string, Value extends object> {
  readonly #values: LRUCache<Key, Value>;
  readonly #tagsOf: CoherentCacheOptions<Value>["tagsOf"];
  readonly #keysOfTags = new Map<string, Set<Key>>();
  /** The running loads whose result may be cached. */
  readonly #loads = new Map<Key, Loads>();
  /** The number of running changes of each key and tag. */
  readonly #changing = new Map<string, number>();

  constructor({ maxBytes, bytesOf, tagsOf }: CoherentCacheOptions<Value>) {
    this.#tagsOf = tagsOf;
    this.#values = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: bytesOf,
      dispose: (value, key) => this.#unindex(key, value),
    });
  }

  get(key: Key): Value | undefined {
    return this.#values.get(key);
  }

  /**
   * Loads a value, and caches it if no change has overlapped the load.
   *
   * @param tags The tags of the changes that may affect the loaded value, which is not known yet.
   * @param toCached Called only if the loaded value is current. It returns the value to cache.
   */
  async load<Loaded, E>(
    key: Key,
    tags: readonly string[],
    load: () => Promise<Result<Loaded, E>>,
    toCached: (loaded: Loaded) => Value,
  ): Promise<Result<Loaded, E>> {
    if (this.#changing.has(key) || tags.some((tag) => this.#changing.has(tag))) return load();
    const loads = this.#loads.get(key) ?? { tags, running: 0 };
    this.#loads.set(key, loads);
    loads.running++;
    try {
      const loaded = await load();
      // A change or a restart that began after this load has removed its entry.
      if (loaded.isOk() && this.#loads.get(key) === loads) this.#set(key, toCached(loaded.value));
      return loaded;
    } finally {
      loads.running--;
      if (loads.running === 0 && this.#loads.get(key) === loads) this.#loads.delete(key);
    }
  }

  #set(key: Key, value: Value): void {
    this.#values.set(key, value);
    // A value that is larger than the cache is not in it.
    if (!this.#values.has(key)) return;
    for (const tag of this.#tagsOf(value)) {
      const keys = this.#keysOfTags.get(tag) ?? new Set();
      this.#keysOfTags.set(tag, keys.add(key));
    }
  }

  #unindex(key: Key, value: Value): void {
    for (const tag of this.#tagsOf(value)) {
      const keys = this.#keysOfTags.get(tag);
      keys?.delete(key);
      if (keys?.size === 0) this.#keysOfTags.delete(tag);
    }
  }

  /** Removes the values of a change, and caches none of them until the returned function is called. */
  beginChange({ key, tags = [] }: Change<Key>): () => void {
    if (key !== undefined) {
      this.#values.delete(key);
      this.#loads.delete(key);
    }
    for (const tag of tags) {
      for (const tagged of this.#keysOfTags.get(tag) ?? []) this.#values.delete(tagged);
      for (const [loading, loads] of this.#loads) if (loads.tags.includes(tag)) this.#loads.delete(loading);
    }
    const names = key === undefined ? tags : [key, ...tags];
    for (const name of names) this.#changing.set(name, (this.#changing.get(name) ?? 0) + 1);
    return () => {
      for (const name of names) {
        const left = (this.#changing.get(name) ?? 0) - 1;
        if (left > 0) this.#changing.set(name, left);
        else this.#changing.delete(name);
      }
    };
  }

  clear(): void {
    this.#values.clear();
    this.#loads.clear();
  }
}
