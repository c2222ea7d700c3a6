import { expect, test } from '@jest/globals';
import { shortened } from '../../../src/envoy/lua-text.ts';

test.each([
  ['blanks between words stay', 'return x and y', 'return x and y'],
  ['others do not', "if  a == 1\n  then b( 'x  y' )\nend", "if a==1 then b('x  y')end"],
  ['a number is not joined with dots', "t = 1 ..'x'..2 ..y", "t=1 ..'x'..2 ..y"],
  ['local variables', 'local first,second=1,2\nreturn second', 'local b,a=1,2 return a'],
  [
    'the variables of loops',
    'for key,value in pairs(t) do f(value,value,key) end',
    'for b,a in pairs(t)do f(a,a,b)end',
  ],
  [
    'functions and what they are given',
    'local function twice(text) return text..text end',
    'local function b(a)return a..a end',
  ],
  [
    'what is global keeps its name',
    'function envoy_on_request(handle) print(handle) end',
    'function envoy_on_request(a)print(a)end',
  ],
  ['members keep theirs', 'local size=t.size+t:size()+#size', 'local a=t.size+t:size()+#a'],
  ['so do keys', 'local host=1 t={host=host,x={a},port=host}', 'local b=1 t={host=b,x={a},port=b}'],
  [
    'but not what a function in a table assigns',
    't={f=function() local first,second=1,2 if x then first,second=3,4 end return second end,second=1}',
    't={f=function()local b,a=1,2 if x then b,a=3,4 end return a end,second=1}',
  ],
  ['but not what is compared', 'local host=1 t={host==1}', 'local a=1 t={a==1}'],
  ['texts keep theirs', `local host=1 t='host'..host.."host\\"host"`, `local a=1 t='host'..a.."host\\"host"`],
  ['a letter that is taken is not taken again', 'local name=a name=b', 'local c=a c=b'],
])('%s', (_, script, expected) => {
  expect(shortened(script)).toBe(expected);
});
