-- How many records of a kind an account has that few have any of: of whom it has none, nothing is looked for
-- when views are made. Gates: threadgates and postgates; declarations: its labeler service, status, and what it
-- declares of notifications, chat and the like.
ALTER TABLE actor_count ADD COLUMN blocks BIGINT NOT NULL DEFAULT 0;
ALTER TABLE actor_count ADD COLUMN list_blocks BIGINT NOT NULL DEFAULT 0;
ALTER TABLE actor_count ADD COLUMN gates BIGINT NOT NULL DEFAULT 0;
ALTER TABLE actor_count ADD COLUMN declarations BIGINT NOT NULL DEFAULT 0;
INSERT INTO actor_count (actor_id, blocks)
    SELECT b.actor_id, count(*) FROM block AS b WHERE TRUE GROUP BY b.actor_id
    ON CONFLICT (actor_id) DO UPDATE SET blocks = excluded.blocks;
INSERT INTO actor_count (actor_id, list_blocks)
    SELECT b.actor_id, count(*) FROM list_block AS b WHERE TRUE GROUP BY b.actor_id
    ON CONFLICT (actor_id) DO UPDATE SET list_blocks = excluded.list_blocks;
INSERT INTO actor_count (actor_id, gates)
    SELECT d.actor_id, count(*) FROM document AS d WHERE d.collection IN (13, 14) GROUP BY d.actor_id
    ON CONFLICT (actor_id) DO UPDATE SET gates = excluded.gates;
INSERT INTO actor_count (actor_id, declarations)
    SELECT d.actor_id, count(*) FROM document AS d WHERE d.collection IN (9, 16, 17, 18, 19) GROUP BY d.actor_id
    ON CONFLICT (actor_id) DO UPDATE SET declarations = excluded.declarations;
