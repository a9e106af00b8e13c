/** Documentation of the header that tells whether a reply came from the cache. */
export const cacheHeader = {
  'x-haetae-cache': {
    description:
      '`hit`: from the cache; `coalesced`: shared with an equal request in flight; `miss`: computed',
    type: 'string',
    enum: ['hit', 'coalesced', 'miss'],
  },
};
