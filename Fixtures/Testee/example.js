// A codec of ten lines on the testee pipe: chumgate test codec --testee 'node Fixtures/Testee/example.js'
const bits = (x) => (Number.isNaN(x) ? 'NaN' : Buffer.from(new Float64Array([x]).buffer).reverse().toString('hex'));
const ops = {
  recipes: () => ({ nothing: true }),
  escape: ({ text }) => ({ text: text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;') }),
  unescape: ({ text }) => ({ text: text.replace(/&gt;/g, '>').replace(/&lt;/g, '<').replace(/&amp;/g, '&') }),
  number: ({ text }) => ({ number: bits(Number(text)) }),
};
require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, op, ...request } = JSON.parse(line);
  const known = ops[op] && (request.text === undefined || typeof request.text === 'string');
  console.log(JSON.stringify({ id, ...(known ? ops[op](request) : { unsupported: op }) }));
});
