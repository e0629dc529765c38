// Jest's environment for Node, but for what a suite's global object is. Jest's is one whose every access Node intercepts: reading
// `Math` or `BigInt` costs a call there, and arithmetic takes up to three times as long. Here it is an ordinary global object of a
// realm of its own, where Node has such (from 20.18 on).
import { TestEnvironment } from 'jest-environment-node';
import vm from 'node:vm';

export default class extends TestEnvironment {
  constructor(...args) {
    const { createContext } = vm;
    const ordinary = vm.constants?.DONT_CONTEXTIFY;
    if (ordinary !== undefined) vm.createContext = () => createContext(ordinary);
    try {
      super(...args);
    } finally {
      vm.createContext = createContext;
    }
  }
}
