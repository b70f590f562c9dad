/** A question that was answered with why not. */
export class Refused extends Error {}
