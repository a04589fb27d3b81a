/** Times are milliseconds since 1970. A removed user is no longer in `users`, but in `removals` until all data is deleted. */
export const SCHEMA = `
create table if not exists users (
  id text primary key, name text not null, email text not null, email_key text not null unique, password_hash text not null,
  role text not null, version integer not null, created_at integer not null, updated_at integer not null
) strict, without rowid;
create table if not exists removals (
  user_id text primary key, version integer not null, fate text not null, new_author_id text, requested_at integer not null,
  ordinal integer not null unique
) strict, without rowid;
create table if not exists posts (
  id text primary key, author_id text not null, title text not null, content text not null, published_at integer,
  version integer not null, created_at integer not null, updated_at integer not null
) strict, without rowid;
create index if not exists posts_by_author on posts (author_id, id);
create table if not exists sessions (
  id text primary key, user_id text not null, token_digest text not null unique,
  created_at integer not null, last_used_at integer not null, expires_at integer not null
) strict, without rowid;
create index if not exists sessions_by_user on sessions (user_id, id);
create index if not exists sessions_by_expiry on sessions (expires_at);
create table if not exists replay_records (
  key_digest text primary key, user_id text not null, fingerprint text not null, result text not null,
  created_at integer not null, expires_at integer not null
) strict, without rowid;
create index if not exists replay_records_by_user on replay_records (user_id);
create index if not exists replay_records_by_expiry on replay_records (expires_at);
`;
