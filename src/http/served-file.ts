/** Something that is served as it is, to everybody. */
export interface ServedFile {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}
