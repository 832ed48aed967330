import Stripe from 'stripe';
import type {
  DirectAnswer,
  StripeSimulator,
} from '../../../src/testing/stripe-simulator/stripe-simulator.ts';

/** The official SDK's way to the simulator without a network, timers or fetch: the same every time, and fast. */
export class DirectClient extends Stripe.HttpClient {
  readonly #simulator: () => StripeSimulator;

  constructor(simulator: () => StripeSimulator) {
    super();
    this.#simulator = simulator;
  }

  override getClientName(): string {
    return 'direct';
  }

  override async makeRequest(
    _host: string,
    _port: string,
    path: string,
    method: string,
    headers: object,
    requestData: string,
  ): Promise<DirectResponse> {
    const answer = this.#simulator().answer({
      method,
      path,
      headers: new Map(Object.entries(headers)),
      body: requestData,
    });
    return new DirectResponse(answer);
  }
}

class DirectResponse extends Stripe.HttpClientResponse {
  readonly #body: string;

  constructor({ status, headers, body }: DirectAnswer) {
    super(status, headers);
    this.#body = body;
  }

  override getRawResponse(): unknown {
    return { body: this.#body };
  }

  override async toJSON(): Promise<unknown> {
    return this._parseResponseBody(this.#body);
  }
}
