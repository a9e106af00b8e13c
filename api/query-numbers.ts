/** Query strings hold texts; what a schema calls an integer is read as one before the request is held to it. */

/** A `preValidation` hook; what is no whole number stays text, for the schema to refuse. */
export function readQueryNumbers(...names: string[]): (request: { query: unknown }) => Promise<void> {
  return async ({ query }) => {
    const values = query as Record<string, unknown>;
    for (const name of names) {
      const value = values[name];
      if (typeof value === 'string' && /^\d{1,15}$/u.test(value)) values[name] = Number(value);
    }
  };
}
