// Fields of the admin page's forms: each with its label, a hint, and what is wrong with it.
import { useId } from 'react';
import { described, Field, type FieldTexts } from '../../ui/Field';

interface Common extends FieldTexts {
  /** The field's name in the request. */
  name: string;
}

export interface TextFieldProps extends Common {
  value: string;
  onChange: (text: string) => void;
  type?: 'text' | 'password' | 'datetime-local' | 'search';
  numeric?: boolean;
  lines?: number;
  /** Suggestions; other values can be typed too. */
  suggestions?: readonly string[];
  autoFocus?: boolean;
}

export function TextField({ value, onChange, type = 'text', numeric = false, lines = 1, suggestions, autoFocus = false, ...common }: TextFieldProps) {
  const id = useId();
  const shared = { id, name: common.name, value, autoFocus, autoComplete: type === 'password' ? 'new-password' : 'off', spellCheck: false, ...described(id, common) };
  return (
    <Field id={id} {...common}>
      {lines > 1 ? (
        <textarea rows={lines} {...shared} spellCheck onChange={(event) => onChange(event.target.value)} />
      ) : (
        <input type={type} {...(numeric ? { inputMode: 'decimal', className: 'number' } : {})} {...(suggestions ? { list: `${id}-list` } : {})} {...shared} onChange={(event) => onChange(event.target.value)} />
      )}
      {suggestions && (
        <datalist id={`${id}-list`}>
          {suggestions.map((text) => (
            <option key={text} value={text}>
              {text}
            </option>
          ))}
        </datalist>
      )}
    </Field>
  );
}

export interface ChoiceFieldProps<T extends string | number> extends Common {
  value: T;
  choices: readonly (readonly [T, string])[];
  onChange: (value: T) => void;
}

export function ChoiceField<T extends string | number>({ value, choices, onChange, ...common }: ChoiceFieldProps<T>) {
  const id = useId();
  return (
    <Field id={id} {...common}>
      <select
        id={id}
        name={common.name}
        value={value}
        {...described(id, common)}
        onChange={(event) => {
          const chosen = choices[event.target.selectedIndex];
          if (chosen) onChange(chosen[0]);
        }}
      >
        {choices.map(([choice, words]) => (
          <option key={choice} value={choice}>
            {words}
          </option>
        ))}
      </select>
    </Field>
  );
}

export function CheckField({ label, name, checked, onChange }: { label: string; name: string; checked: boolean; onChange: (checked: boolean) => void }) {
  return (
    <label className="check">
      <input type="checkbox" name={name} checked={checked} onChange={(event) => onChange(event.target.checked)} />
      {label}
    </label>
  );
}
