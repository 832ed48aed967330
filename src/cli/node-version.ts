/** As in `engines` of package.json: the first with all of `node:sqlite` that is used. */
const OLDEST = { major: 22, minor: 18 };

/** Why the commands do not run on a version of Node, such as `v20.19.5`; null = they do. Imports nothing. */
export function refusalOfNode(version: string): string | null {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  const isOld = major < OLDEST.major || (major === OLDEST.major && minor < OLDEST.minor);
  return isOld ? `Tallybook needs Node ${OLDEST.major}.${OLDEST.minor} or newer; this is ${version}.` : null;
}
