-- Times of edges, from now on as what they are later than their record key says: a TID's time is its upper
-- bits, and a record is mostly written when its key is made, so two bytes do where eight were needed.
-- `rkey >> 10` of a key that is no TID is some small number, and no less exact.

ALTER TABLE "like" RENAME COLUMN created_at_us TO created_after_us;
UPDATE "like" SET created_after_us = created_after_us - (rkey >> 10);
ALTER TABLE "like" ADD COLUMN created_at_us BIGINT GENERATED ALWAYS AS (created_after_us + (rkey >> 10)) {computed};

ALTER TABLE repost RENAME COLUMN created_at_us TO created_after_us;
UPDATE repost SET created_after_us = created_after_us - (rkey >> 10);
ALTER TABLE repost ADD COLUMN created_at_us BIGINT GENERATED ALWAYS AS (created_after_us + (rkey >> 10)) {computed};

ALTER TABLE follow RENAME COLUMN created_at_us TO created_after_us;
UPDATE follow SET created_after_us = created_after_us - (rkey >> 10);
ALTER TABLE follow ADD COLUMN created_at_us BIGINT GENERATED ALWAYS AS (created_after_us + (rkey >> 10)) {computed};

ALTER TABLE block RENAME COLUMN created_at_us TO created_after_us;
UPDATE block SET created_after_us = created_after_us - (rkey >> 10);
ALTER TABLE block ADD COLUMN created_at_us BIGINT GENERATED ALWAYS AS (created_after_us + (rkey >> 10)) {computed};

ALTER TABLE list_item RENAME COLUMN created_at_us TO created_after_us;
UPDATE list_item SET created_after_us = created_after_us - (rkey >> 10);
ALTER TABLE list_item ADD COLUMN created_at_us BIGINT GENERATED ALWAYS AS (created_after_us + (rkey >> 10)) {computed};

ALTER TABLE like_by_subject RENAME COLUMN sort_at_us TO sort_after_us;
UPDATE like_by_subject SET sort_after_us = sort_after_us - (rkey >> 10);
ALTER TABLE like_by_subject ADD COLUMN sort_at_us BIGINT GENERATED ALWAYS AS (sort_after_us + (rkey >> 10)) {computed};

ALTER TABLE repost_by_subject RENAME COLUMN sort_at_us TO sort_after_us;
UPDATE repost_by_subject SET sort_after_us = sort_after_us - (rkey >> 10);
ALTER TABLE repost_by_subject ADD COLUMN sort_at_us BIGINT GENERATED ALWAYS AS (sort_after_us + (rkey >> 10)) {computed};

ALTER TABLE follow_by_subject RENAME COLUMN sort_at_us TO sort_after_us;
UPDATE follow_by_subject SET sort_after_us = sort_after_us - (rkey >> 10);
ALTER TABLE follow_by_subject ADD COLUMN sort_at_us BIGINT GENERATED ALWAYS AS (sort_after_us + (rkey >> 10)) {computed};

ALTER TABLE block_by_subject RENAME COLUMN sort_at_us TO sort_after_us;
UPDATE block_by_subject SET sort_after_us = sort_after_us - (rkey >> 10);
ALTER TABLE block_by_subject ADD COLUMN sort_at_us BIGINT GENERATED ALWAYS AS (sort_after_us + (rkey >> 10)) {computed};

ALTER TABLE list_item_by_list RENAME COLUMN sort_at_us TO sort_after_us;
UPDATE list_item_by_list SET sort_after_us = sort_after_us - (rkey >> 10);
ALTER TABLE list_item_by_list ADD COLUMN sort_at_us BIGINT GENERATED ALWAYS AS (sort_after_us + (rkey >> 10)) {computed};
