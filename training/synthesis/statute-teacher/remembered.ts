/** What a function finds out about an object, found out once and kept as long as the object. */
export function remembered<Key extends object, Value>(find: (key: Key) => Value): (key: Key) => Value {
  const known = new WeakMap<Key, { value: Value }>();
  return (key) => {
    let entry = known.get(key);
    if (!entry) {
      entry = { value: find(key) };
      known.set(key, entry);
    }
    return entry.value;
  };
}
