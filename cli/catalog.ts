/** Opens the catalog's data files: those that come with the program, and the folder that the configuration names. */
import { statSync } from 'node:fs';
import { AppError } from '../core/errors.ts';
import { faultText, type LoadedCatalog, loadCatalogFiles } from '../detectors/catalog/load_catalog.ts';

/**
 * The files, without those that are faulty, each of which is told. Throws `config_invalid` when the folder is not there:
 * whoever wrote overrides must not run without them unknowingly.
 */
export async function openCatalogFiles(
  folder: string | undefined,
  onNotice: (notice: string, fields: Record<string, unknown>) => void,
): Promise<LoadedCatalog> {
  if (folder !== undefined && statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new AppError('config_invalid', `catalog_folder: "${folder}" is not a folder`);
  }
  const loaded = await loadCatalogFiles(folder);
  for (const fault of loaded.faults) onNotice('catalog_file_refused', { fault: faultText(fault) });
  return loaded;
}
