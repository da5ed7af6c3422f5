// No text of another user can be invisible, or change how the text beside it reads.
import { ConnectError } from '@connectrpc/connect';
import { expect, test } from 'vitest';
import { plain } from './plain';
import { problemOf } from './problem';

test.each([
  ['bidi', 'admin\u202enigol', 'admin\ufffdnigol'],
  ['bidi isolates', '\u2066x\u2069', '\ufffdx\ufffd'],
  ['zero width', 'al\u200bice\u2060\ufeff\u200d', 'al\ufffdice\ufffd\ufffd\ufffd'],
  ['control', 'a\u0000b\r\u001b[31m\u0085', 'a\ufffdb\ufffd\ufffd[31m\ufffd'],
  ['line separators', 'a\u2028b\u2029', 'a\ufffdb\ufffd'],
  ['new lines and tabs, which a page shows as spaces', 'a\nb\tc', 'a\nb\tc'],
  ['any script', 'Ωμέγα 届く عمر ‘x’', 'Ωμέγα 届く عمر ‘x’'],
  ['emoji of several parts', '👩‍💻 ❤️‍🔥 👩🏽‍🚀', '👩‍💻 ❤️‍🔥 👩🏽‍🚀'],
])('%s in a text of a message is shown harmlessly', (_name, text, shown) => {
  expect(plain({ user: { displayName: text }, texts: [text] })).toEqual({ user: { displayName: shown }, texts: [shown] });
  expect(problemOf(new ConnectError(text)).text).toBe(shown);
});
