import { LRUCache } from "lru-cache";
import type { Result } from "neverthrow";

/** The bytes of a cache for each key that a full cache remembers after its first load. */
const BYTES_PER_REMEMBERED_KEY = 4_096;

export interface CoherentCacheOptions<Value> {
  /** The bound on the memory of the cache. The values that were read the longest time ago are evicted. */
  readonly maxBytes: number;
  readonly bytesOf: (value: Value) => number;
  /** Called once for each value that is cached. */
  readonly freeze: (value: Value) => void;
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
 *
 * A full cache admits a value at its second load. Most values of a long tail are read once: they would replace others that are
 * read again, and the garbage collector would have to move and collect them.
 */
export class CoherentCache<Key extends string, Value extends object> {
  readonly #values: LRUCache<Key, Value>;
  readonly #options: CoherentCacheOptions<Value>;
  /** The keys of the values that were loaded once while the cache was full. */
  readonly #loadedOnce: LRUCache<Key, true>;
  readonly #keysOfTags = new Map<string, Set<Key>>();
  /** The running loads whose result may be cached. */
  readonly #loads = new Map<Key, Loads>();
  /** The number of running changes of each key and tag. */
  readonly #changing = new Map<string, number>();

  constructor(options: CoherentCacheOptions<Value>) {
    const { maxBytes } = options;
    this.#options = options;
    this.#values = new LRUCache({ maxSize: maxBytes, dispose: (value, key) => this.#unindex(key, value) });
    this.#loadedOnce = new LRUCache({ max: Math.ceil(maxBytes / BYTES_PER_REMEMBERED_KEY) });
  }

  get(key: Key): Value | undefined {
    return this.#values.get(key);
  }

  /**
   * Loads a value, and caches it if no change has overlapped the load and the cache admits it.
   *
   * @param tags The tags of the changes that may affect the loaded value, which is not known yet.
   */
  async load<Loaded, E>(
    key: Key,
    tags: readonly string[],
    load: () => Promise<Result<Loaded, E>>,
    toValue: (loaded: Loaded) => Value,
  ): Promise<Result<Loaded, E>> {
    if (this.#changing.has(key) || tags.some((tag) => this.#changing.has(tag))) return load();
    const loads = this.#loads.get(key) ?? { tags, running: 0 };
    this.#loads.set(key, loads);
    loads.running++;
    try {
      const loaded = await load();
      // A change or a restart that began after this load has removed its entry.
      if (loaded.isOk() && this.#loads.get(key) === loads) this.#set(key, toValue(loaded.value));
      return loaded;
    } finally {
      loads.running--;
      if (loads.running === 0 && this.#loads.get(key) === loads) this.#loads.delete(key);
    }
  }

  #set(key: Key, value: Value): void {
    const { bytesOf, freeze, tagsOf } = this.#options;
    const size = bytesOf(value);
    if (!this.#admits(key, size)) return;
    freeze(value);
    this.#values.set(key, value, { size });
    for (const tag of tagsOf(value)) {
      const keys = this.#keysOfTags.get(tag) ?? new Set();
      this.#keysOfTags.set(tag, keys.add(key));
    }
  }

  #admits(key: Key, size: number): boolean {
    const { maxBytes } = this.#options;
    if (this.#values.calculatedSize + size <= maxBytes) return true;
    if (size > maxBytes) return false;
    if (this.#loadedOnce.delete(key)) return true;
    this.#loadedOnce.set(key, true);
    return false;
  }

  #unindex(key: Key, value: Value): void {
    for (const tag of this.#options.tagsOf(value)) {
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
