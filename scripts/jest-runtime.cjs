// Jest gives every suite modules of its own. Of o1js, there is one for all suites of a worker: to evaluate it, to start its native
// part, and to compute its reference strings and dummy proofs takes longer than most suites do. Suites beside the code that reaches
// into o1js (`core/src/o1js`) have their own, as it is before anybody changes it.
const { dirname, join, sep } = require('node:path');
const { pathToFileURL } = require('node:url');
const { types } = require('node:util');
const { SyntheticModule } = require('node:vm');
const { default: Runtime } = require('jest-runtime');

const ENTRY = require.resolve('o1js').replace(/\.cjs$/, '.js');
const FOLDER = dirname(ENTRY) + sep;

const imported = (path) => import(pathToFileURL(path).href);

let entry;
/** What `import * from 'o1js'` gives, its native part started, and how to have it forget networks that a suite set. */
async function sharedEntry() {
  spanRealms(globalThis);
  const o1js = await imported(ENTRY);
  o1js.setBackend('native');
  await o1js.initializeBindings();
  const { activeInstance } = await imported(join(FOLDER, 'lib/mina/v1/mina-instance.js'));
  const { networkConfig } = await imported(join(FOLDER, 'lib/mina/v1/fetch.js'));
  const initial = { ...networkConfig };
  const reset = () => {
    o1js.Mina.setActiveInstance(activeInstance);
    Object.assign(networkConfig, initial);
  };
  const setBackend = (backend) => {
    if (backend !== 'native')
      throw Error(`setBackend: all suites of a worker have the native one, not ${backend}`);
  };
  return { exported: { ...o1js, setBackend }, reset };
}

/** Makes `instanceof` of a realm's own types true of objects from another realm too: a suite and o1js have one each. */
function spanRealms(global) {
  const tests = {
    Array: Array.isArray,
    Error: types.isNativeError,
    Map: types.isMap,
    Promise: types.isPromise,
    Set: types.isSet,
  };
  for (const [name, test] of Object.entries(tests)) {
    const type = global[name];
    const ordinary = type[Symbol.hasInstance];
    Object.defineProperty(type, Symbol.hasInstance, {
      value(each) {
        return ordinary.call(this, each) || (this === type && test(each));
      },
    });
  }
}

/** What o1js and a suite must agree on. */
function shareGlobals(global) {
  spanRealms(global);
  // metadata that decorators write and o1js reads
  for (const name of Reflect.ownKeys(Reflect)) global.Reflect[name] ??= Reflect[name];
  // which suites replace
  Object.defineProperty(global, 'fetch', {
    configurable: true,
    get: () => globalThis.fetch,
    set(fetch) {
      globalThis.fetch = fetch;
    },
  });
}

module.exports = class extends Runtime {
  constructor(...args) {
    super(...args);
    if (this._testPath.includes('/core/dist/o1js/')) return;
    const { esmLoader, registries } = this;
    const modules = new Map();
    const proxy = async (path, exported) => {
      const names = Object.keys(exported);
      const context = esmLoader.getContext();
      const module = new SyntheticModule(names, () => undefined, { context, identifier: path });
      await module.link(() => undefined);
      await module.evaluate();
      registries.getActiveEsmRegistry().set(pathToFileURL(path).href, module);
      return module;
    };
    /** The module of that path outside of the suite, with what it exports now. */
    const share = async (path) => {
      const exported = path === ENTRY ? (await entry).exported : await imported(path);
      if (!modules.has(path)) modules.set(path, proxy(path, exported));
      const module = await modules.get(path);
      for (const [name, value] of Object.entries(exported)) module.setExport(name, value);
      return module;
    };
    const load = esmLoader.loadEsmModule.bind(esmLoader);
    esmLoader.loadEsmModule = async (path, suffix) => {
      if (!modules.has(ENTRY)) {
        (await (entry ??= sharedEntry())).reset();
        // before whatever imports it is linked
        await share(ENTRY);
        shareGlobals(this._environment.global);
      }
      return path.startsWith(FOLDER) ? await share(path) : await load(path, suffix);
    };
  }
};
