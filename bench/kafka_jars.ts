/**
 * The published jars of Apache Kafka, for tests that need a broker: resolved once with Maven into a cache beside the
 * project. `KAFKA_HOME` names an unpacked distribution instead.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The version that is fetched, and with what its log lines are written. */
export const KAFKA_VERSION = '4.4.0';
const LOG4J_VERSION = '2.25.5';
const RESOLVER = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';

export interface KafkaJars {
  /** What stands after `-cp`. */
  classpath: string;
  version: string;
}

/** Where the jars lie once they are fetched. */
export function kafkaCache(): string {
  const caches = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(caches, 'tracewarden', `kafka-${KAFKA_VERSION}`);
}

/** The jars, fetched if they are not there. A download that ends half way is never used. */
export async function kafkaJars(): Promise<KafkaJars> {
  const home = process.env.KAFKA_HOME;
  const folder = home ? join(home, 'libs') : kafkaCache();
  if (!home && !existsSync(folder)) await fetchJars(folder);
  const names = await readdir(folder);
  const version = names.map((name) => /^kafka_2\.13-(\d[\w.]*)\.jar$/.exec(name)?.[1]).find((each) => each);
  if (version === undefined) throw new Error(`${folder} holds no kafka_2.13 jar`);
  return { classpath: join(folder, '*'), version };
}

async function fetchJars(folder: string): Promise<void> {
  const parent = join(folder, '..');
  await mkdir(parent, { recursive: true });
  const workplace = await mkdtemp(join(parent, '.fetch-'));
  try {
    await writeFile(join(workplace, 'pom.xml'), pom());
    const jars = join(workplace, 'jars');
    const args = ['-B', '-q', RESOLVER, `-DoutputDirectory=${jars}`, '-DincludeScope=runtime'];
    await run('mvn', args, { cwd: workplace, timeout: 300_000, maxBuffer: 8_388_608 });
    // Somebody else may have fetched them in the meantime: theirs are as good.
    await rename(jars, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error;
    });
  } finally {
    await rm(workplace, { recursive: true, force: true });
  }
}

function pom(): string {
  const dependency = (group: string, artifact: string, version: string) =>
    `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`;
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion>
<groupId>test.example</groupId><artifactId>broker</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>
${dependency('org.apache.kafka', 'kafka_2.13', KAFKA_VERSION)}
${dependency('org.apache.logging.log4j', 'log4j-slf4j-impl', LOG4J_VERSION)}
</dependencies>
</project>
`;
}
