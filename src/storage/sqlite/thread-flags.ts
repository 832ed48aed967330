/** Those that say how modules are found and loaded, each with a value, which may stand behind it. */
const LOADING = /^(?:--import|--require|-r|--loader|--experimental-loader|--conditions|-C)(=|$)/;
/** Those without a value. */
const ALONE = /^--(?:no-)?(?:experimental-)?(?:strip-types|transform-types)$|^--no-warnings$/;

/**
 * The flags of Node that a thread starts with, where it cannot have the process's own; undefined = it can. With
 * `--input-type`, as in `node --input-type=module -e …`, Node runs no file. A thread that is given flags takes none that are
 * about the whole process, such as `--max-old-space-size`, so that only those are kept that its file may need.
 */
export function threadFlags(flags: readonly string[]): string[] | undefined {
  if (!flags.some((flag) => /^--input-type(=|$)/.test(flag))) return undefined;
  return flags.flatMap((flag, index) => {
    if (ALONE.test(flag)) return [flag];
    const separator = LOADING.exec(flag)?.[1];
    const next = flags[index + 1];
    if (separator === undefined) return [];
    return separator === '=' || next === undefined ? [flag] : [flag, next];
  });
}
