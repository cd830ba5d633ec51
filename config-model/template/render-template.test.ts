import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type RenderedTemplate, renderTemplate } from "./render-template.ts";
import { TemplateError } from "./template-error.ts";

const variables: Readonly<Record<string, string>> = { HOSTS: "a,b", TOKEN: "s3cret" };
const env = (name: string) => variables[name];

function render(text: string): RenderedTemplate {
  return renderTemplate(text, { env });
}

describe("renderTemplate() runs", () => {
  for (const [template, expected] of [
    ["plain } text {", "plain } text {"],
    ['a {{- " x" -}} \n b', "a xb"],
    ["x {{- /* c }} */ -}} y{{/* d */}}", "xy"],
    ['{{ "a\\n\\x41\\u00e9" }}{{ `r\\n` }}', "a\nAér\\n"],
    ["{{ 0x10 }} {{ -3 }} {{ 1.5 }} {{ true }} {{ 'a' }} {{ 1e30 }}", "16 -3 1.5 true 97 1e+30"],
    ['{{ $x := "a" }}{{ $x }}{{ $x = "b" }}{{ $x }}', "ab"],
    ["{{ $x := 1 }}{{ if true }}{{ $x := 2 }}{{ $x = 3 }}{{ end }}{{ $x }}", "1"],
    ["{{ if 0 }}a{{ else if 1 }}b{{ else }}c{{ end }}", "b"],
    ["{{ if eq 1 2 }}a{{ else }}c{{ end }}", "c"],
    ['{{ with "v" }}{{ . }}{{ else }}n{{ end }}{{ with "" }}x{{ else }}n{{ end }}', "vn"],
    ['{{ range list "a" "b" }}{{ . }};{{ end }}', "a;b;"],
    ['{{ range $i, $v := list "a" "b" }}{{ $i }}{{ $v }}{{ end }}', "0a1b"],
    ['{{ range $k, $v := dict "b" 2 "a" 1 }}{{ $k }}{{ $v }}{{ end }}', "a1b2"],
    ["{{ range 3 }}{{ . }}{{ end }}{{ range 0 }}{{ else }}none{{ end }}", "012none"],
    [
      "{{ range 5 }}{{ if eq . 1 }}{{ continue }}{{ end }}{{ if eq . 3 }}{{ break }}{{ end }}{{ . }}{{ end }}",
      "02",
    ],
    [
      '{{ (dict "a" (dict "b" 5)).a.b }}{{ $m := dict "k" 1 }}{{ $m.k }}{{ $m.no }}',
      "51<no value>",
    ],
    ["{{ . }} {{ $ }}", "false false"],
    [
      '{{ or "" "x" }} {{ and 1 0 }} {{ and 1 2 }} {{ not 1 }} {{ or true (index (list) 9) }}',
      "x 0 2 false true",
    ],
    [
      "{{ eq 1 2 1 }} {{ ne 1 2 }} {{ lt 1 2 }} {{ le 2 2 }} {{ gt 1 2 }} {{ ge 2 2 }}",
      "true true true true false true",
    ],
    [
      '{{ len "é" }} {{ len (list 1 2) }} {{ index (list 7 8) 1 }} {{ index (dict "a" 1) "a" }}',
      "2 2 8 1",
    ],
    ['{{ slice "abcd" 1 3 }} {{ slice (list 1 2 3) 1 }}', "bc [2 3]"],
    ['{{ print 1 2 "a" 3 }}|{{ println "a" 1 }}', "1 2a3|a 1\n"],
    [
      '{{ printf "%05d|%-3s|%q|%.2f|%x|%t|%v|%%|%+d|%c|%b|%o|%e|%g" 42 "a" "b\\n" 1.5 "hi" true (list 1) 3 65 5 8 1.5 0.25 }}',
      '00042|a  |"b\\n"|1.50|6869|true|[1]|%|+3|A|101|10|1.500000e+00|0.25',
    ],
    ['{{ env "TOKEN" }}{{ env "NONE" }}', "s3cret"],
    [
      '{{ split "a,b" "," }} {{ splitList "," "a,b" | last }} {{ list "a" 1 | join "-" }}',
      "[a b] b a-1",
    ],
    ['{{ lower "A" }}{{ upper "a" }}{{ title "ab cd" }}{{ trim " x " }}', "aAAb Cdx"],
    ['{{ trimAll "$" "$5$" }}{{ trimPrefix "-" "-a" }}{{ trimSuffix "-" "b-" }}', "5ab"],
    [
      '{{ replace "a" "b" "aa" }} {{ contains "a" "cat" }} {{ hasPrefix "c" "cat" }} {{ hasSuffix "c" "cat" }}',
      "bb true true false",
    ],
    ['{{ repeat 3 "ab" }} {{ quote "a\\"b" 1 }} {{ squote "a" }}', 'ababab "a\\"b" "1" \'a\''],
    [
      '{{ default "d" "" }}{{ "v" | default "d" }} {{ empty 0 }} {{ coalesce "" 0 "x" }} {{ ternary 1 2 false }}',
      "dv true x 2",
    ],
    [
      '{{ get (dict "a" "b") "a" }}{{ get (dict) "a" }} {{ until 3 }} {{ untilStep 4 0 -2 }} {{ until -2 }}',
      "b [0 1 2] [4 2] [0 -1]",
    ],
    [
      '{{ add 1 2 "3" }} {{ sub 5 2 }} {{ mul 2 3 }} {{ div 7 2 }} {{ mod 7 4 }} {{ max 1 3 2 }} {{ min 3 1 }}',
      "6 3 6 3 3 3 1",
    ],
    ['{{ int 2.9 }} {{ atoi "12" }} {{ atoi "x" }} {{ toString 5 | printf "%q" }}', '2 12 0 "5"'],
    ["{{ add 9223372036854775807 1 }}", "-9223372036854775808"],
    ['{{ indent 2 "a\\nb" }}{{ nindent 1 "c" }}', "  a\n  b\n c"],
    ['{{ b64enc "hé" }} {{ b64dec "aMOp" }}', "aMOp hé"],
    [
      "{{ first (list 1 2) }} {{ rest (list 1 2) }} {{ has 2 (list 1 2) }} {{ uniq (list 1 1 2) }}",
      "1 [2] true [1 2]",
    ],
    ['{{ sortAlpha (list "b" "a") }} {{ normalize "a.b/c" }}', "[a b] a-b-c"],
    [
      `{{ regexMatch "^a+$" "aa" }} {{ regexReplaceAll "a(x*)b" "-ab-axxb-" "\${1}W" }}`,
      "true -W-xxW-",
    ],
  ] as const) {
    test(template, () => assert.equal(render(template).text, expected));
  }
});

describe("renderTemplate() refuses", () => {
  for (const [template, offset, message] of [
    ['{{ splt "a" }}', 3, 'Unknown function "splt"'],
    ["ab {{ $y }}", 6, 'Unknown variable "$y"'],
    ["{{ if true }}{{ $x := 1 }}{{ end }}{{ $x }}", 38, 'Unknown variable "$x"'],
    ["{{ if }}", 6, "a value is missing before }}"],
    ["{{ if 1 }}", 0, '"if" has no "end"'],
    ["{{ end }}", 3, '"end" belongs to no block'],
    ["{{ break }}", 3, '"break" outside of range'],
    ['{{ "a }}', 3, "the string does not end"],
    ["{{ 1", 4, "the file ends inside an action"],
    ["{{/* a", 0, "the comment does not end"],
    ['{{ template "x" }}', 3, '"template" is not supported: a template stands alone'],
    ["{{ 1 | 2 }}", 7, "a function must follow |"],
    ["{{ nil }}", 3, "nil cannot stand alone"],
    ["{{ .a }}", 3, "Cannot take .a of a bool: only maps have fields"],
    ["{{ lower 1 }}", 3, "Cannot call lower: argument 1 must be a string, it is an integer"],
    ["{{ lower }}", 3, "lower takes 1 arguments, not 0"],
    ["{{ div 1 0 }}", 3, "Cannot call div: division by zero"],
    ['{{ eq 1 "1" }}', 3, "Cannot call eq: an integer cannot be compared with a string"],
    ['{{ regexMatch "(" "a" }}', 3, "Cannot call regexMatch: the regular expression is invalid"],
    ['{{ printf "%d" "s3cret" }}', 3, "Cannot call printf: %d does not fit a string"],
    ['{{ range "abc" }}{{ end }}', 0, "range cannot go over a string"],
    ["{{ 9223372036854775808 }}", 3, "the number does not fit into 64 bits"],
    ['{{ repeat 999999999 "a" }}', 3, "The template does too much work"],
    ["{{ until 999999999 }}", 3, "The template does too much work"],
    [
      "{{ $x := list 1 }}{{ range 300 }}{{ $x = list $x $x }}{{ end }}{{ $x }}",
      63,
      "The template does too much work",
    ],
    [
      '{{ $x := "a" }}{{ range 99 }}{{ $x = print $x $x }}{{ end }}',
      37,
      "The template does too much work",
    ],
  ] as const) {
    test(template, () => {
      assert.throws(
        () => render(template),
        (error) => {
          assert.ok(error instanceof TemplateError, String(error));
          assert.deepEqual([error.offset, error.message], [offset, message]);
          return true;
        },
      );
    });
  }

  test("names of any length without repeating them", () => {
    const long = "n".repeat(5_000);
    for (const template of [
      `{{ ${long} }}`,
      `{{ $${long} }}`,
      `{{ 1 ${long} }}`,
      `{{ .${long} }}`,
      `{{ if 1 }}{{ else ${long} }}{{ end }}`,
      `{{ range 1 }}{{ else ${long} }}{{ end }}`,
    ]) {
      assert.throws(
        () => render(template),
        (error) => error instanceof TemplateError && error.message.length < 200,
        template.slice(0, 20),
      );
    }
    assert.throws(() => render("{{ \u{1f600} }}"), { message: '"\u{1f600}" cannot stand here' });
  });

  test("what goes beyond its limits", () => {
    const limits = { outputChars: 10, iterations: 20, work: 1_000_000 };
    const run = (text: string) => () => renderTemplate(text, { env, limits });
    assert.throws(run("{{ range 6 }}ab{{ end }}"), /makes more than 10 characters/);
    assert.throws(run("{{ range 21 }}{{ end }}"), /Loops run more than 20 times/);
    assert.throws(run(`{{ ${"(".repeat(200)}`), /more than 100 blocks or parentheses/);
    assert.throws(run(`{{ $${".a".repeat(50_000)} }}`), /more than 100 fields of one value/);
    assert.throws(run("{{ if 1 }}".repeat(200)), /more than 100 blocks or parentheses/);
  });

  test("nothing but with a TemplateError, whatever the text", () => {
    const pieces = [
      "{{",
      "}}",
      "{{-",
      " -}}",
      " ",
      "if",
      "range",
      "end",
      "else",
      "with",
      "$x",
      ":=",
      "=",
      ",",
      "|",
      "(",
      ")",
      ".",
      ".a",
      "1",
      "-5",
      "1.5",
      '"s"',
      "`r`",
      "nil",
      "true",
      "list",
      "dict",
      "until",
      "repeat",
      "print",
      "index",
      "printf",
      "quote",
      "join",
      "regexReplaceAll",
      "slice",
      "add",
      "{{ end }}",
      "{{ range 9 }}",
      "{{ $x := list 1 2 }}",
    ];
    const limits = { outputChars: 1_000, iterations: 1_000, work: 100_000 };
    const runs = Number(process.env["TEMPLATE_FUZZ_RUNS"] ?? 3_000);
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 25 }), (chosen) => {
        try {
          renderTemplate(chosen.join(" "), { env, limits });
        } catch (error) {
          assert.ok(error instanceof TemplateError, String(error));
        }
      }),
      { numRuns: runs },
    );
  });
});

test("renderTemplate() knows where each character comes from", () => {
  const template = "a\n{{ range 2 }}b{{ . }}c\n{{ end }}d";
  const { text, templateOffset } = render(template);
  assert.equal(text, "a\nb0c\nb1c\nd");
  assert.equal(templateOffset(text.indexOf("b1")), template.indexOf("b{{"));
  assert.equal(templateOffset(text.indexOf("1")), template.indexOf("{{ . }}"));
  assert.equal(templateOffset(text.indexOf("d")), template.lastIndexOf("d"));
});
