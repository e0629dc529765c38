import { describe, expect, it } from '@jest/globals';
import { lookUp } from '../testing/two-tables.js';

describe('two tables in one sum', () => {
  it('give values that are each in its own', () => lookUp('cubes'));
  it('do not give each other’s: their tags differ', () =>
    expect(lookUp('squares')).rejects.toThrow('not zero'));
});
