import t from 'tap';
import { defineFunction } from '../../../../training/optimizer/assembler/define-function.js';
import { encodeModule, MOST_PAGES } from '../../../../training/optimizer/assembler/encode-module.js';
import { instantiate } from '../../../../training/optimizer/assembler/instantiate.js';
import { i32 } from '../../../../training/optimizer/assembler/instructions.js';
import { kernels } from '../../../../training/optimizer/kernels.js';

const sum = defineFunction({ a: 'i32', b: 'i32' }, 'i32', ({ a, b }, local) => {
  const result = local('i32');
  return { statements: [result.set(i32.add(a.value, b.value))], result: result.value };
});

t.test('a module is what the specification says, byte for byte', async (t) => {
  const expected = [
    [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    // type section: (i32, i32) -> i32
    [1, 7, 1, 0x60, 2, 0x7f, 0x7f, 1, 0x7f],
    // import section: environment.memory, 1 to 65,536 pages
    [2, 26, 1, 11, ...Buffer.from('environment'), 6, ...Buffer.from('memory'), 2, 1, 1, 0x80, 0x80, 4],
    // function section, export section
    [3, 2, 1, 0],
    [7, 7, 1, 3, ...Buffer.from('sum'), 0, 0],
    // code section: one local; local.get 0, local.get 1, i32.add, local.set 2, local.get 2
    [10, 15, 1, 13, 1, 1, 0x7f, 0x20, 0, 0x20, 1, 0x6a, 0x21, 2, 0x20, 2, 0x0b],
  ].flat();
  t.strictSame([...encodeModule({ sum })], expected);
});

t.test('a module says whether its memory is shared, and takes no other', async (t) => {
  const [own, shared] = [encodeModule({ sum }), encodeModule({ sum }, 'shared')];
  const differ = [...own.keys()].filter((i) => own[i] !== shared[i]);
  t.strictSame(
    differ.map((i) => [own[i], shared[i]]),
    [[1, 3]],
    'the flags of the limits: with a maximum, and shared',
  );
  const pages = { initial: 1, maximum: 1 };
  for (const kind of ['own', 'shared'] as const) {
    const memory = new WebAssembly.Memory({ ...pages, shared: kind === 'shared' });
    t.equal(instantiate({ sum }, memory).sum({ a: 2, b: 5 }), 7);
    const environment = { memory: new WebAssembly.Memory({ ...pages, shared: kind === 'own' }) };
    const module = new WebAssembly.Module(encodeModule({ sum }, kind));
    t.throws(() => new WebAssembly.Instance(module, { environment }), /mismatch in shared state of memory/);
  }
});

t.test('the kernels are valid WebAssembly, and validation finds a damaged byte', async (t) => {
  const bytes = encodeModule(kernels);
  t.ok(WebAssembly.validate(bytes));
  t.strictSame(
    WebAssembly.Module.exports(new WebAssembly.Module(bytes)),
    Object.keys(kernels).map((name) => ({ name, kind: 'function' })),
  );
  t.ok(bytes.length < 4_096, `${bytes.length} bytes`);
  bytes[bytes.length - 1] = 0x0c;
  t.notOk(WebAssembly.validate(bytes));
});

t.test('functions take any memory of up to 4 GiB, and are called with arguments by name', async (t) => {
  for (const pages of [1, 2, MOST_PAGES / 2]) {
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    t.equal(instantiate({ sum }, memory).sum({ b: 5, a: 2 }), 7);
  }
  const unbounded = new WebAssembly.Memory({ initial: 1 });
  t.throws(() => instantiate({ sum }, unbounded), /memory/, 'a memory without a bound is refused');
});

t.test('code that leaves the wrong type is refused when it is compiled', async (t) => {
  const wrong = { parameters: {}, result: 'i32', locals: [], code: [] } as const;
  t.notOk(WebAssembly.validate(encodeModule({ wrong })));
  t.throws(() => instantiate({ wrong }, new WebAssembly.Memory({ initial: 1, maximum: 1 })), /Compiling/);
});
