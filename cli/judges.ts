/** What detection judges by, as the configuration names it: detectors, the catalog and the operator's policies. */
import { type LoadedSuspensionPolicy, loadSuspensionPolicy } from '../api/response/suspension_policy.ts';
import type { Config } from '../core/config.ts';
import { type CatalogFiles, createCatalog } from '../detectors/catalog/capabilities.ts';
import type { Detector } from '../detectors/detector.ts';
import { createEngine, type Engine } from '../detectors/engine.ts';
import { loadDetectors } from '../detectors/load.ts';
import { type LoadedPolicy, loadPolicy } from '../detectors/supply/load_policy.ts';
import { applyPolicy, NO_POLICY } from '../detectors/supply/policy.ts';
import { openCatalogFiles } from './catalog.ts';
import { type RuleWatch, watchRules } from './rule_watch.ts';

/** What operators decided, as it was read at the start. */
export interface Policies {
  supply: LoadedPolicy | undefined;
  suspension: LoadedSuspensionPolicy | undefined;
}

export interface Judges {
  catalog_files: CatalogFiles;
  policies: Policies;
  /** All detectors, those that are off too. */
  all: readonly Detector[];
  /** Ids of detectors and rules that find nothing. */
  off: ReadonlySet<string>;
  /** Names of signals that rules may refer to. */
  signals: ReadonlySet<string>;
}

type OnNotice = (notice: string, fields: Record<string, unknown>) => void;

/** Reads the files. Throws where one that the configuration names cannot be used. */
export async function loadJudges(config: Config, onNotice: OnNotice): Promise<Judges> {
  const catalog_files = await openCatalogFiles(config.catalog_folder, onNotice);
  const policies = {
    supply: config.policy_file === undefined ? undefined : await loadPolicy(config.policy_file),
    suspension: config.suspension_file === undefined ? undefined : await loadSuspensionPolicy(config.suspension_file),
  };
  const all = config.detection ? applyPolicy(await loadDetectors(), policies.supply?.policy ?? NO_POLICY) : [];
  const signals = new Set(all.map(({ metadata }) => metadata.id));
  return { catalog_files, policies, all, off: new Set(config.rules_off), signals };
}

/** An engine with these judges, and the rules of the operator's folder in it. The watch has to be closed. */
export async function openEngine(
  { all, off, signals, catalog_files }: Judges,
  config: Config,
  onNotice: OnNotice,
): Promise<{ engine: Engine; rules: RuleWatch | undefined }> {
  const detectors = all.filter(({ metadata }) => !off.has(metadata.id));
  const engine = createEngine({ detectors, catalog: createCatalog([], catalog_files) });
  const rules = config.detection
    ? await watchRules({ folder: config.rules_folder, off, engine, signals, onNotice })
    : undefined;
  return { engine, rules };
}
