// Suites that make something for others come first; the browser's, which uses it, comes last.
const { default: Sequencer } = require('@jest/test-sequencer');

const rank = ({ path }) => (path.includes('/tests/dist/browser/') ? 1 : 0);

module.exports = class extends Sequencer {
  sort(tests) {
    return [...super.sort(tests)].sort((a, b) => rank(a) - rank(b));
  }
};
