// A field for an exact number that moves in steps: by its buttons, by arrow keys (ten with
// Shift) and by the wheel while it has the focus.
import './stepField.css';
import { commandOf, steps } from '../features/keyboard/bindings';
import { type KeyboardEvent, type Ref, useEffect, useId, useImperativeHandle, useRef } from 'react';
import { described, Field, type FieldTexts } from './Field';

export interface StepFieldProps extends FieldTexts {
  name: string;
  value: string;
  less: string;
  more: string;
  onChange: (text: string) => void;
  /** The user moves the number by this many steps; negative is down. */
  onStep: (steps: number) => void;
  disabled?: boolean;
  autoFocus?: boolean;
  ref?: Ref<HTMLInputElement>;
}

/** Normalizes a typed number: full-width digits and thousands separators are accepted. */
export function typedNumber(text: string): string {
  return text.normalize('NFKC').replace(/[,\s]/g, '');
}

export function StepField({ label, name, value, less, more, onChange, onStep, disabled = false, problem, hint, autoFocus = false, ref }: StepFieldProps) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  useImperativeHandle(ref, () => input.current!, []);
  const step = useRef(onStep);
  useEffect(() => {
    step.current = onStep;
  });
  useEffect(() => {
    const element = input.current;
    const wheel = (event: WheelEvent): void => {
      if (document.activeElement !== element || element?.disabled) return;
      event.preventDefault();
      step.current(event.deltaY < 0 ? 1 : -1);
    };
    // React listens passively, and a wheel that steps must not scroll.
    element?.addEventListener('wheel', wheel, { passive: false });
    return () => element?.removeEventListener('wheel', wheel);
  }, []);
  const keyDown = (event: KeyboardEvent): void => {
    const command = commandOf(event, 'field');
    const wanted = command && steps[command];
    if (wanted === undefined) return;
    event.preventDefault();
    onStep(wanted);
  };
  return (
    <Field id={id} className="step-field" label={label} problem={problem} hint={hint}>
      <div className="step-box">
        <button type="button" tabIndex={-1} aria-label={less} disabled={disabled} onClick={() => onStep(-1)}>
          −
        </button>
        <input
          id={id}
          ref={input}
          name={name}
          value={value}
          inputMode="decimal"
          autoComplete="off"
          spellCheck={false}
          disabled={disabled}
          autoFocus={autoFocus}
          {...described(id, { problem, hint })}
          onChange={(event) => onChange(event.target.value)}
          onBlur={() => onChange(typedNumber(value))}
          onKeyDown={keyDown}
        />
        <button type="button" tabIndex={-1} aria-label={more} disabled={disabled} onClick={() => onStep(1)}>
          +
        </button>
      </div>
    </Field>
  );
}
