-- Logs, and what is done to them. Who appends to a log holds its row until the end, so that numbers
-- become visible in their order.

CREATE SEQUENCE {schema}.log_ids;

CREATE TABLE {schema}.logs (
    space bytea NOT NULL,
    owner bytea NOT NULL,
    name bytea NOT NULL,
    id bigint NOT NULL UNIQUE,
    -- The first number comes after this one.
    base bigint NOT NULL,
    -- The number of the newest event that is gone, and that of the last one.
    trimmed bigint NOT NULL,
    last bigint NOT NULL,
    -- In the values that are there.
    bytes bigint NOT NULL,
    expires timestamptz NOT NULL,
    PRIMARY KEY (space, owner, name)
);

CREATE INDEX logs_expires ON {schema}.logs (expires);

CREATE TABLE {schema}.log_events (
    log bigint NOT NULL,
    number bigint NOT NULL,
    value bytea NOT NULL,
    since timestamptz NOT NULL,
    PRIMARY KEY (log, number)
);

-- The number of the last event. A log that is made here, or whose time is over, begins after
-- `new_base`.
CREATE FUNCTION {schema}.append_to_log(
    in_space bytea, in_owner bytea, in_name bytea, in_values bytea[], new_base bigint,
    max_events bigint, max_bytes bigint, max_age bigint
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    log_row {schema}.logs;
    moment timestamptz;
    old record;
    gone bigint;
BEGIN
    LOOP
        SELECT * INTO log_row FROM {schema}.logs
        WHERE space = in_space AND owner = in_owner AND name = in_name
        FOR UPDATE;
        EXIT WHEN FOUND;
        -- Unless somebody else makes it meanwhile.
        INSERT INTO {schema}.logs (space, owner, name, id, base, trimmed, last, bytes, expires)
        VALUES (
            in_space, in_owner, in_name, nextval('{schema}.log_ids'),
            new_base, new_base, new_base, 0, '-infinity'
        )
        ON CONFLICT (space, owner, name) DO NOTHING;
    END LOOP;
    moment := clock_timestamp();
    IF log_row.expires <= moment THEN
        DELETE FROM {schema}.log_events WHERE log = log_row.id;
        log_row.base := new_base;
        log_row.trimmed := new_base;
        log_row.last := new_base;
        log_row.bytes := 0;
    END IF;
    INSERT INTO {schema}.log_events (log, number, value, since)
    SELECT log_row.id, log_row.last + at, value, moment
    FROM unnest(in_values) WITH ORDINALITY AS given (value, at);
    log_row.last := log_row.last + cardinality(in_values);
    SELECT log_row.bytes + coalesce(sum(octet_length(value)), 0) INTO log_row.bytes
    FROM unnest(in_values) AS given (value);
    -- The oldest go first, and the newest stays. Nobody looks where nothing can be any more, for
    -- there may lie much that is only marked as removed.
    gone := log_row.trimmed;
    FOR old IN
        SELECT number, octet_length(value) AS size, since FROM {schema}.log_events
        WHERE log = log_row.id AND number > gone ORDER BY number
    LOOP
        EXIT WHEN old.number = log_row.last;
        EXIT WHEN (max_events IS NULL OR log_row.last - log_row.trimmed <= max_events)
            AND (max_bytes IS NULL OR log_row.bytes <= max_bytes)
            AND old.since + max_age * interval '1 microsecond' > moment;
        log_row.trimmed := old.number;
        log_row.bytes := log_row.bytes - old.size;
    END LOOP;
    IF log_row.trimmed > gone THEN
        DELETE FROM {schema}.log_events
        WHERE log = log_row.id AND number > gone AND number <= log_row.trimmed;
    END IF;
    UPDATE {schema}.logs
    SET base = log_row.base, trimmed = log_row.trimmed, last = log_row.last,
        bytes = log_row.bytes, expires = moment + max_age * interval '1 microsecond'
    WHERE id = log_row.id;
    RETURN log_row.last;
END
$$;

-- Nobody appends to logs while they are removed.
CREATE FUNCTION {schema}.clear_logs(in_space bytea, in_owner bytea) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    gone bigint[];
BEGIN
    -- In one order, so that two of them do not wait for each other.
    gone := ARRAY(
        SELECT id FROM {schema}.logs
        WHERE space = in_space AND owner = in_owner ORDER BY name FOR UPDATE
    );
    DELETE FROM {schema}.log_events WHERE log = ANY (gone);
    DELETE FROM {schema}.logs WHERE id = ANY (gone);
END
$$;

-- How many logs were removed because their time is over.
CREATE FUNCTION {schema}.sweep_logs(most bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    gone bigint[];
BEGIN
    -- Whatever somebody else works on is not waited for.
    gone := ARRAY(
        SELECT id FROM {schema}.logs WHERE expires <= now()
        ORDER BY expires LIMIT most FOR UPDATE SKIP LOCKED
    );
    DELETE FROM {schema}.log_events WHERE log = ANY (gone);
    DELETE FROM {schema}.logs WHERE id = ANY (gone);
    RETURN cardinality(gone);
END
$$;
