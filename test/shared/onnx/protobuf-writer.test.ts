import t from 'tap';
import { ProtobufWriter } from '../../../shared/onnx/protobuf-writer.js';

const hex = (writer: ProtobufWriter) => Buffer.from(writer.finish()).toString('hex');

t.test('integers are varints, as in the protobuf documentation', async (t) => {
  t.equal(hex(new ProtobufWriter().int(1, 150)), '089601');
  t.equal(hex(new ProtobufWriter().int(1, 0)), '0800');
  t.equal(hex(new ProtobufWriter().int(1, 2 ** 40)), '08808080808020');
  t.equal(hex(new ProtobufWriter().int(16, 1)), '800101', 'a field number above 15 takes two bytes');
});

t.test('negative integers take ten bytes of two’s complement', async (t) => {
  t.equal(hex(new ProtobufWriter().int(1, -1)), '08ffffffffffffffffff01');
  t.equal(hex(new ProtobufWriter().int(1, -(2n ** 63n))), '0880808080808080808001');
});

t.test('a number that is no safe integer is refused', async (t) => {
  t.throws(() => new ProtobufWriter().int(1, 1.5), RangeError);
  t.throws(() => new ProtobufWriter().int(1, 2 ** 53), RangeError);
});

t.test('strings, floats, doubles and messages nest with their lengths', async (t) => {
  t.equal(hex(new ProtobufWriter().string(2, 'testing')), '120774657374696e67');
  t.equal(hex(new ProtobufWriter().string(2, '가')), '1203eab080');
  t.equal(hex(new ProtobufWriter().float(2, 1)), '150000803f');
  t.equal(hex(new ProtobufWriter().double(1, 1)), '09000000000000f03f');
  const inner = new ProtobufWriter().int(1, 150);
  const outer = new ProtobufWriter().message(3, inner);
  t.equal(hex(outer), '1a03089601');
  t.equal(outer.byteLength, 5);
});
