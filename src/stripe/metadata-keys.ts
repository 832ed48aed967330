/** Metadata of objects at Stripe that Tallybook makes: the id of the app's account. */
export const ACCOUNT_KEY = 'tallybook_account';
/** The configured plan that a price, or a subscription, was made for. */
export const PLAN_KEY = 'tallybook_plan';
/** What a subscription, or a Checkout session, was asked for by: a repeated request finds it. */
export const REQUEST_KEY = 'tallybook_request';
/** The version of an object that Tallybook makes once and finds again, such as a portal configuration. */
export const PORTAL_KEY = 'tallybook_portal';
/** The change of a subscription that was made last: one whose answer was lost is recognised by it. */
export const CHANGE_KEY = 'tallybook_change';
