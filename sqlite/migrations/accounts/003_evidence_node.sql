-- Which node served a stream. All streams before this version were of the one node
-- of their venue, which has the default name.

ALTER TABLE attaches ADD COLUMN node TEXT NOT NULL DEFAULT 'main';
