/** What a request is refused with; the same shape as an error of `usage`. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: 400 | 403 | 404 | 405 | 409 | 415;
  readonly code: string;
  readonly remedy: string;

  constructor(status: HttpError['status'], code: string, message: string, remedy: string) {
    super(message);
    this.status = status;
    this.code = code;
    this.remedy = remedy;
  }
}
