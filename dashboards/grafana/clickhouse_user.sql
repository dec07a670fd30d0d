-- What the boards may read of a ClickHouse server: no content, no keys, nothing to write. Grafana passes on whatever SQL
-- it is given, so that these grants are the limit and not the boards. The user itself, with its password, is made by
-- hand or by the deployment:  CREATE USER grafana IDENTIFIED BY '...';  GRANT tracewarden_boards TO grafana
CREATE SETTINGS PROFILE IF NOT EXISTS tracewarden_boards
    SETTINGS readonly = 1, max_execution_time = 30 CHANGEABLE_IN_READONLY, max_memory_usage = 4000000000;
CREATE ROLE IF NOT EXISTS tracewarden_boards SETTINGS PROFILE tracewarden_boards;

-- A view reads with the rights of who asks: both are named.
GRANT SELECT ON tracewarden.v_events TO tracewarden_boards;
GRANT SELECT ON tracewarden.v_alerts TO tracewarden_boards;
GRANT SELECT ON tracewarden.v_alert_actions TO tracewarden_boards;
GRANT SELECT ON tracewarden.v_signals TO tracewarden_boards;
GRANT SELECT ON tracewarden.v_edges TO tracewarden_boards;
GRANT SELECT ON tracewarden.v_suppressed_findings TO tracewarden_boards;
GRANT SELECT ON tracewarden.events TO tracewarden_boards;
GRANT SELECT ON tracewarden.alerts TO tracewarden_boards;
GRANT SELECT ON tracewarden.alert_actions TO tracewarden_boards;
GRANT SELECT ON tracewarden.signals TO tracewarden_boards;
GRANT SELECT ON tracewarden.edges TO tracewarden_boards;
GRANT SELECT ON tracewarden.suppressed_findings TO tracewarden_boards;
GRANT SELECT ON tracewarden.sessions TO tracewarden_boards;
GRANT SELECT ON tracewarden.heads TO tracewarden_boards;
GRANT SELECT ON tracewarden.cursors TO tracewarden_boards;
GRANT SELECT ON tracewarden.checkpoints TO tracewarden_boards;
GRANT SELECT ON tracewarden.deliveries TO tracewarden_boards;
