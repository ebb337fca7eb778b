-- The database of a deployment (Cloudflare D1). Idempotent: applying it again changes nothing.
-- Times are Unix milliseconds. Money is nano-dollars as decimal text, since numbers pass through
-- JavaScript's doubles. Every table but `orgs`, `members` and `deployment_configs`
-- starts its key with the org.

-- Customers of the deployment.
CREATE TABLE IF NOT EXISTS orgs (
  id TEXT NOT NULL PRIMARY KEY,         -- lower-case letters, digits, hyphens
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

-- API keys. The secret itself is nowhere.
CREATE TABLE IF NOT EXISTS api_keys (
  org TEXT NOT NULL REFERENCES orgs (id),
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  digest TEXT NOT NULL,                 -- hexadecimal SHA-256 of the whole key
  scopes TEXT NOT NULL,                 -- JSON array of text
  created_at INTEGER NOT NULL,
  revoked_at INTEGER,                   -- null while the key is good
  expires_at INTEGER,                   -- null for a key that is good for ever
  PRIMARY KEY (org, id)
) STRICT;

-- Configuration documents. Rows are never changed: a change is a new version.
CREATE TABLE IF NOT EXISTS configs (
  org TEXT NOT NULL REFERENCES orgs (id),
  version INTEGER NOT NULL,             -- from 1
  document TEXT NOT NULL,               -- JSON
  created_at INTEGER NOT NULL,
  author TEXT NOT NULL,                 -- `admin`, or `member/` and an id
  note TEXT NOT NULL,                   -- why; may be empty
  PRIMARY KEY (org, version)
) STRICT;

-- The same of the whole deployment: what holds in every org whose own document says nothing else.
CREATE TABLE IF NOT EXISTS deployment_configs (
  version INTEGER NOT NULL PRIMARY KEY, -- from 1
  document TEXT NOT NULL,               -- JSON
  created_at INTEGER NOT NULL,
  author TEXT NOT NULL,                 -- `admin`, or `member/` and an id
  note TEXT NOT NULL                    -- why; may be empty
) STRICT;

-- Who administers, besides the holder of the secret ESCLUSA_ADMIN_KEY. A member who was removed keeps
-- the row, so that records that name the id go on meaning that member.
CREATE TABLE IF NOT EXISTS members (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  role TEXT NOT NULL,                   -- owner, admin, editor, viewer, auditor
  org TEXT,                             -- the only org; null for all
  digest TEXT NOT NULL,                 -- hexadecimal SHA-256 of the whole key
  created_at INTEGER NOT NULL,
  removed_at INTEGER                    -- null while a member
) STRICT;

-- Documents that answers are grounded in, without their text.
CREATE TABLE IF NOT EXISTS documents (
  org TEXT NOT NULL REFERENCES orgs (id),
  id TEXT NOT NULL,
  collection TEXT NOT NULL,
  title TEXT NOT NULL,
  uri TEXT NOT NULL,                    -- empty where there is no address
  language TEXT NOT NULL,               -- BCP 47 tag, empty where unknown
  created_at INTEGER NOT NULL,
  PRIMARY KEY (org, id)
) STRICT;

-- Passages of documents. The id is also the id of the vector.
CREATE TABLE IF NOT EXISTS passages (
  org TEXT NOT NULL,
  id TEXT NOT NULL,
  document TEXT NOT NULL,
  ordinal INTEGER NOT NULL,             -- position in the document, from 0
  text TEXT NOT NULL,
  PRIMARY KEY (org, id)
) STRICT;
CREATE INDEX IF NOT EXISTS passages_by_document ON passages (org, document);

-- Stored responses, each with the conversation it belongs to. Only the key that made one reads it.
CREATE TABLE IF NOT EXISTS responses (
  org TEXT NOT NULL,
  key TEXT NOT NULL,                    -- id of the API key
  id TEXT NOT NULL,                     -- `resp_` and the request's id
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  body TEXT,                            -- JSON; null where it is in the bucket `FILES`
  PRIMARY KEY (org, key, id)
) STRICT;
CREATE INDEX IF NOT EXISTS responses_by_expiry ON responses (expires_at);

-- What people think of answers, each user's last word on each request. Erased with the user.
CREATE TABLE IF NOT EXISTS feedback (
  org TEXT NOT NULL,
  request TEXT NOT NULL,                -- the request's id
  user TEXT NOT NULL,                   -- the end user, empty where none is named
  key TEXT NOT NULL,                    -- id of the API key
  thumbs TEXT,                          -- `up`, `down`, or null
  score INTEGER,                        -- 0 to 100, or null
  comment TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (org, request, user)
) STRICT;

-- Audit records, a hash chain for each org. `record` is what the chain protects; the columns before
-- it are copies for filters.
CREATE TABLE IF NOT EXISTS audit (
  org TEXT NOT NULL,
  seq INTEGER NOT NULL,                 -- position in the chain, from 1
  request TEXT NOT NULL,
  at INTEGER NOT NULL,                  -- when the request arrived
  key TEXT NOT NULL,                    -- id of the API key
  outcome TEXT NOT NULL,
  operation TEXT NOT NULL,
  status INTEGER NOT NULL,              -- HTTP status of the answer
  cost_nanos TEXT NOT NULL,             -- nano-dollars
  record TEXT NOT NULL,                 -- canonical JSON
  hash TEXT NOT NULL,                   -- hexadecimal SHA-256 of the previous hash and `record`
  PRIMARY KEY (org, seq)
) STRICT;
CREATE INDEX IF NOT EXISTS audit_by_request ON audit (org, request);
CREATE INDEX IF NOT EXISTS audit_by_time ON audit (org, at);

-- How far the audit records of an org were archived.
CREATE TABLE IF NOT EXISTS audit_archives (
  org TEXT NOT NULL PRIMARY KEY,
  through INTEGER NOT NULL              -- the last record that is in the bucket `FILES`, not here
) STRICT;

-- What is personal about a request: apart from its record, so that it can be erased.
CREATE TABLE IF NOT EXISTS audit_personal (
  org TEXT NOT NULL,
  request TEXT NOT NULL,
  user TEXT NOT NULL,                   -- the end user, empty where the request names none
  address TEXT NOT NULL,                -- of the client, for IPv6 its /64, empty where unknown
  PRIMARY KEY (org, request)
) STRICT;
CREATE INDEX IF NOT EXISTS audit_personal_by_user ON audit_personal (org, user);
