// `npm run bench -- <main|table3|scaling|openings|chain|faults|kernels|witness>`. Three of them are scripts, which need no more than what they measure.
const [name] = process.argv.slice(2);
if (name === 'main' || name === 'kernels' || name === 'witness') {
  process.argv.splice(2, 1);
  await import(`../scripts/${name}.mjs`);
} else {
  await import('../dist/main.js');
}
