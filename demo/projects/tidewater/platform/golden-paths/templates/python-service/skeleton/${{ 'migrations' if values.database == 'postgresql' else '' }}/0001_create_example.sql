-- An example to start from. Change it freely until it has run somewhere that matters; after that,
-- add a file with the next number instead.
CREATE TABLE example (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);
