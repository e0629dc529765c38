/** The same object with some members replaced; the others keep their own `this`. */
export function overriding<T extends object>(target: T, members: Partial<T>): T {
  return new Proxy(target, {
    get(from, key) {
      if (key in members) return (members as Record<PropertyKey, unknown>)[key];
      const value = (from as Record<PropertyKey, unknown>)[key];
      return typeof value === 'function'
        ? (value as (...given: unknown[]) => unknown).bind(from)
        : value;
    },
  });
}
