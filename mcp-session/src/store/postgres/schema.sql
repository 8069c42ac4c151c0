-- Records, and what is done to them. Each operation that decides is a function: one round trip, in
-- which every statement sees what was committed before it.

CREATE SEQUENCE {schema}.revisions;

CREATE TABLE {schema}.records (
    space bytea NOT NULL,
    owner bytea NOT NULL,
    name bytea NOT NULL,
    value bytea NOT NULL,
    revision bigint NOT NULL,
    -- Infinity for what is kept until it is deleted.
    expires timestamptz NOT NULL,
    PRIMARY KEY (space, owner, name)
);

CREATE INDEX records_expires ON {schema}.records (expires) WHERE expires < 'infinity';

-- So many microseconds from now; null for no time that was said.
CREATE FUNCTION {schema}.due(ttl bigint) RETURNS timestamptz LANGUAGE sql AS $$
    SELECT clock_timestamp() + ttl * interval '1 microsecond'
$$;

-- The microseconds that are left; null for ever.
CREATE FUNCTION {schema}.left_until(expires timestamptz) RETURNS bigint LANGUAGE sql AS $$
    SELECT CASE WHEN expires < 'infinity'
        THEN (extract(epoch FROM expires - clock_timestamp()) * 1000000)::bigint
    END
$$;

-- One after the other, for those whose quotas must not be exceeded by all of them together.
CREATE FUNCTION {schema}.take_turns(in_space bytea, in_owner bytea) RETURNS void
LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock(hashtextextended(
        encode(in_space, 'hex') || '/' || encode(in_owner, 'hex'),
        '{schema}.records'::regclass::oid::bigint
    ))
$$;

-- The new revision; 0 for a conflict, -1 for too many records, -2 for too many bytes.
CREATE FUNCTION {schema}.create_record(
    in_space bytea, in_owner bytea, in_name bytea, in_value bytea, in_ttl bigint,
    max_records bigint, max_bytes bigint
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    moment timestamptz;
    kept_records bigint;
    kept_bytes bigint;
    made bigint;
BEGIN
    IF max_records IS NOT NULL OR max_bytes IS NOT NULL THEN
        PERFORM {schema}.take_turns(in_space, in_owner);
    END IF;
    moment := clock_timestamp();
    PERFORM FROM {schema}.records
    WHERE space = in_space AND owner = in_owner AND name = in_name AND expires > moment;
    IF FOUND THEN
        RETURN 0;
    END IF;
    IF max_records IS NOT NULL OR max_bytes IS NOT NULL THEN
        SELECT count(*), coalesce(sum(octet_length(name) + octet_length(value)), 0)
        INTO kept_records, kept_bytes
        FROM {schema}.records
        -- Without the one that somebody who has no quota may have made just now.
        WHERE space = in_space AND owner = in_owner AND name <> in_name AND expires > moment;
        IF kept_records >= max_records THEN
            RETURN -1;
        END IF;
        IF kept_bytes + octet_length(in_name) + octet_length(in_value) > max_bytes THEN
            RETURN -2;
        END IF;
    END IF;
    INSERT INTO {schema}.records AS kept (space, owner, name, value, revision, expires)
    VALUES (
        in_space, in_owner, in_name, in_value, nextval('{schema}.revisions'),
        coalesce({schema}.due(in_ttl), 'infinity')
    )
    -- One that has expired and was not removed yet.
    ON CONFLICT (space, owner, name) DO UPDATE
    SET value = excluded.value, revision = excluded.revision, expires = excluded.expires
    WHERE kept.expires <= clock_timestamp()
    RETURNING kept.revision INTO made;
    RETURN coalesce(made, 0);
END
$$;

-- The new revision; 0 for a conflict, -2 for too many bytes.
CREATE FUNCTION {schema}.save_record(
    in_space bytea, in_owner bytea, in_name bytea, in_revision bigint, in_value bytea,
    in_ttl bigint, max_bytes bigint
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    grows boolean;
    others bigint;
    saved bigint;
BEGIN
    IF max_bytes IS NOT NULL THEN
        SELECT octet_length(in_value) > octet_length(value) INTO grows
        FROM {schema}.records
        WHERE space = in_space AND owner = in_owner AND name = in_name
            AND revision = in_revision AND expires > clock_timestamp();
    END IF;
    IF grows THEN
        PERFORM {schema}.take_turns(in_space, in_owner);
        -- At the same revision it has the same size, and it stays at that from here on.
        PERFORM FROM {schema}.records
        WHERE space = in_space AND owner = in_owner AND name = in_name
            AND revision = in_revision AND expires > clock_timestamp()
        FOR UPDATE;
        IF NOT FOUND THEN
            RETURN 0;
        END IF;
        SELECT coalesce(sum(octet_length(name) + octet_length(value)), 0) INTO others
        FROM {schema}.records
        WHERE space = in_space AND owner = in_owner AND name <> in_name
            AND expires > clock_timestamp();
        IF others + octet_length(in_name) + octet_length(in_value) > max_bytes THEN
            RETURN -2;
        END IF;
    END IF;
    UPDATE {schema}.records
    SET value = in_value, revision = nextval('{schema}.revisions'),
        expires = greatest(expires, {schema}.due(in_ttl))
    WHERE space = in_space AND owner = in_owner AND name = in_name
        AND revision = in_revision AND expires > clock_timestamp()
    RETURNING revision INTO saved;
    RETURN coalesce(saved, 0);
END
$$;

-- The record as it is then.
CREATE FUNCTION {schema}.touch_record(
    in_space bytea, in_owner bytea, in_name bytea, in_ttl bigint
) RETURNS TABLE (out_value bytea, out_revision bigint, out_left bigint) LANGUAGE plpgsql AS $$
BEGIN
    UPDATE {schema}.records
    SET expires = {schema}.due(in_ttl)
    WHERE space = in_space AND owner = in_owner AND name = in_name
        AND expires > clock_timestamp() AND expires < {schema}.due(in_ttl);
    RETURN QUERY
    SELECT value, revision, {schema}.left_until(expires)
    FROM {schema}.records
    WHERE space = in_space AND owner = in_owner AND name = in_name
        AND expires > clock_timestamp();
END
$$;

-- 1 for one that was removed, 0 for none there, -1 for a conflict.
CREATE FUNCTION {schema}.delete_record(
    in_space bytea, in_owner bytea, in_name bytea, in_revision bigint
) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM {schema}.records
    WHERE space = in_space AND owner = in_owner AND name = in_name
        AND expires > clock_timestamp() AND (in_revision IS NULL OR revision = in_revision);
    IF FOUND THEN
        RETURN 1;
    END IF;
    IF in_revision IS NULL THEN
        RETURN 0;
    END IF;
    PERFORM FROM {schema}.records
    WHERE space = in_space AND owner = in_owner AND name = in_name
        AND expires > clock_timestamp();
    RETURN CASE WHEN FOUND THEN -1 ELSE 0 END;
END
$$;
