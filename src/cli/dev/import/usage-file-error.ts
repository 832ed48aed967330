/** A file that cannot be imported at all; nothing of it was counted. */
export class UsageFileError extends Error {
  override readonly name = 'UsageFileError';
}

/** Not even a header: nobody piped anything, or the file is empty. */
export class EmptyFileError extends UsageFileError {}
