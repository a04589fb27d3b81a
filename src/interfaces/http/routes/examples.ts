/** The data of the examples in the OpenAPI document. A test fills a server with it and sends each example. */
export const EXAMPLES = {
  ada: "01a20bf4-26fc-75d5-aca3-f91ff88ea884",
  grace: "01a20bf4-2701-7c0e-8a4f-5b1b7f0c2d3e",
  session: "01a20bf4-2765-7192-b248-a662566da8be",
  token: "Uey5Te9_RdjF3fMJM-YgGMkj-tUYNjMd3PULU1hzwpQ",
  published: "01a20bf4-2807-77a5-9c8e-83516e0dcf92",
  draft: "01a20bf4-28aa-7e03-b1c4-0d9e6f5a4b3c",
  password: "correct horse battery staple",
  at: "2026-11-24T05:07:59.868Z",
  expiresAt: "2026-12-24T05:07:59.868Z",
} as const;

export const ADA = {
  id: EXAMPLES.ada,
  name: "Ada",
  email: "ada@example.org",
  role: "author",
  version: 1,
  createdAt: EXAMPLES.at,
  updatedAt: EXAMPLES.at,
} as const;

export const GRACE = { ...ADA, id: EXAMPLES.grace, name: "Grace", email: "grace@example.org" } as const;

export const PUBLISHED = {
  id: EXAMPLES.published,
  title: "Hello, world",
  content: "First words.",
  status: "published",
  authorId: EXAMPLES.ada,
  publishedAt: EXAMPLES.at,
  version: 1,
  createdAt: EXAMPLES.at,
  updatedAt: EXAMPLES.at,
} as const;

export const DRAFT = {
  ...PUBLISHED,
  id: EXAMPLES.draft,
  title: "A draft",
  status: "draft",
  publishedAt: null,
} as const;

/** The answer to a GET whose If-None-Match names the current ETag. */
export const NOT_MODIFIED = {
  description: "The cached version is current (If-None-Match).",
  headers: ["ETag"],
} as const;

/** The problems of a POST that come from its Idempotency-Key. */
export const IDEMPOTENCY_PROBLEMS = ["idempotency_key_reused", "idempotency_key_in_use"] as const;

/** The problems of an operation that hashes a password or compares one. */
export const PASSWORD_PROBLEMS = ["password_hashing_failed", "password_hashing_busy"] as const;
