/** The store that the settings name. */
import type { Config } from '../config.ts';
import { AppError } from '../errors.ts';
import { openClusterStore } from './cluster.ts';
import { openEmbeddedStore, openServerStore, type Store } from './store.ts';

/** Opens it as it is: the schema is `migrate`'s. Throws `config_invalid` for a cluster without a server. */
export async function openStoreOf(
  config: Pick<Config, 'data' | 'clickhouse_url' | 'clickhouse_cluster'>,
): Promise<Store> {
  const { data, clickhouse_url, clickhouse_cluster } = config;
  if (clickhouse_url !== undefined) {
    return clickhouse_cluster === undefined
      ? openServerStore(clickhouse_url)
      : openClusterStore(clickhouse_url, clickhouse_cluster);
  }
  if (clickhouse_cluster === undefined) return openEmbeddedStore(data);
  throw new AppError('config_invalid', 'clickhouse_cluster: a cluster is reached by clickhouse_url, which is missing');
}
