import * as assert from "uvu/assert";
import { newEnvironment } from "../../../../shared/api/cel/functions.ts";
import { CompilationFailed, compile, EvaluationFailed } from "../../../../shared/api/cel/program.ts";
import { suite } from "../../../kit/suite.ts";

const test = suite("CEL");
const env = newEnvironment().registerVariable("n", "list<int>").registerVariable("s", "string").registerVariable("x", "dyn");
const numbers = (count: number): bigint[] => Array.from({ length: count }, (_, i) => BigInt(i));
const variables = { n: numbers(5), s: "abc", x: 5n };
const run = (expression: string, given: object = variables, left = 100_000): unknown =>
  compile(env, expression).evaluate(given as never, { left });

/** [expression, value] */
const table: [string, unknown][] = [
  ["n.all(a, a >= 0) && n.exists(a, a == 4) && n.map(a, a * 2).max() == 8", true],
  ["s.matches('^a.c$')", true],
  ["s.matches('b')", true],
  ["s.find('[bc]+')", "bc"],
  ["'a1b2c3'.findAll('[0-9]')", ["1", "2", "3"]],
  ["'a1b2c3'.findAll('[0-9]', 2)", ["1", "2"]],
  ["'abc'.charAt(1) + 'a-a'.replace('a', 'b') + 'aaa'.replace('a', 'b', 2)", "bb-bbba"],
  ["'%s is %d, %.2f, %x and %s'.format(['a', 5, 1.5, 255, [1, 2]])", "a is 5, 1.50, ff and [1, 2]"],
  ["[1, 2, 3].sum() == 6 && [1.5, 2.5].sum() == 4.0 && ['b', 'a'].min() == 'a'", true],
  ["[1, 2].isSorted() && ![2, 1].isSorted() && ['a', 'b', 'a'].lastIndexOf('a') == 2 && ['a'].indexOf('c') == -1", true],
  ["sets.contains([1, 2], [2]) && sets.equivalent([1, 2], [2, 1, 1]) && !sets.intersects([1], [2])", true],
  [
    "isURL('https://a.b:80/c?d=e') && !isURL('a b') && url('https://a.b:81/c?d=e').getPort() == '81' && url('/a').getEscapedPath() == '/a'",
    true,
  ],
  ["url('https://a.b:81/c?d=e').getHostname() + url('https://a.b/c').getScheme()", "a.bhttps"],
  ["isIP('10.0.0.1') && !isIP('x') && ip('::1').family() == 6 && ip('127.0.0.1').isLoopback() && ip('::1') == ip('0:0::1')", true],
  [
    "cidr('10.0.0.0/8').containsIP('10.1.2.3') && !cidr('10.0.0.0/8').containsIP(ip('11.0.0.1')) && cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')",
    true,
  ],
  [
    "isQuantity('1Gi') && !isQuantity('x') && quantity('1Gi').isGreaterThan(quantity('1G')) && quantity('500m').add(quantity('0.5')).asInteger() == 1",
    true,
  ],
  ["quantity('1') == quantity('1000m') && quantity('2').sub(1).compareTo(quantity('1')) == 0", true],
  ["timestamp('2026-01-01T00:00:00Z') < timestamp('2026-01-02T00:00:00Z') && duration('1h') > duration('30m')", true],
  ["x == 5 && x != 'a'", true],
  ["cel.bind(a, n.size(), a + a)", 10n],
];
for (const [expression, value] of table) test(`evaluates ${expression}`, () => assert.equal(run(expression), value));

test("compile() says what is wrong, and where, as cel-go does", () => {
  const failure = (expression: string): string => {
    try {
      compile(env, expression);
      return "";
    } catch (error) {
      assert.instance(error, CompilationFailed);
      return (error as Error).message;
    }
  };
  assert.is(failure("nope > 1"), "ERROR: <input>:1:1: undeclared reference to 'nope' (in container '')\n | nope > 1\n | ^");
  assert.match(failure("true &&\n s + 1 == 2"), /^ERROR: <input>:2:2: no such overload: string \+ int\n \| {2}s \+ 1 == 2\n \| \.\^$/);
  assert.match(failure("1 +"), /^ERROR: <input>:1:4: /);
  assert.match(failure("("), /^ERROR/);
  assert.match(failure(`${"(".repeat(300)}1${")".repeat(300)}`), /^ERROR/);
  assert.equal([...compile(env, "n.all(a, a > x)").uses].sort(), ["a", "n", "x"]);
});
test("what goes wrong at last is said", () => {
  assert.throws(
    () => run("x.y == 1", { ...variables, x: new Map() }),
    (error: Error) => error instanceof EvaluationFailed && /No such key: y/.test(error.message),
  );
  assert.throws(() => run("1 / (x - 5) == 1"), (error: Error) => error instanceof EvaluationFailed && !error.spent);
});

test("no expression takes longer than its budget: loops in loops, also where errors count as answers, and long texts", () => {
  const many = { ...variables, n: numbers(3_000), s: "a".repeat(1_000_000) };
  const endless = [
    "n.all(a, n.all(b, n.all(c, a + b + c >= 0)))",
    "n.exists(a, n.exists(b, n.exists(c, a + b + c < 0)))",
    "n.map(a, n.map(b, n.map(c, c))).size() > 0",
    "n.filter(a, n.filter(b, b > a).size() > 0).size() > 0",
    "n.all(a, s.contains('b') || true)",
    "n.all(a, s + s != s)",
    "n.all(a, s.matches('(a+)+$'))",
    "n.all(a, n == n)",
    "n.map(a, s).map(b, b + b).map(c, c + c).size() == 0",
  ];
  for (const expression of endless) {
    const program = compile(env, expression), budget = { left: 1_000_000 }, from = performance.now();
    assert.throws(() => program.evaluate(many, budget), (error: Error) => error instanceof EvaluationFailed && error.spent, expression);
    assert.ok(performance.now() - from < 4_000, `${expression} took ${performance.now() - from} ms`);
  }
});
test("a budget is that of all who share it", () => {
  const program = compile(env, "n.all(a, a >= 0)"), budget = { left: 60 };
  assert.is(program.evaluate(variables, budget), true);
  assert.ok(budget.left < 60 && budget.left > 0);
  assert.throws(
    () => [1, 2, 3, 4].map(() => program.evaluate(variables, budget)),
    (error: Error) => error instanceof EvaluationFailed && error.spent,
  );
});
