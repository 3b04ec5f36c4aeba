import './button.css'
import type { ComponentProps } from 'react'

interface ButtonProps extends ComponentProps<'button'> {
  readonly variant?: 'primary' | 'secondary' | 'ghost' | 'danger'
  readonly size?: 'normal' | 'small'
}

/** The one button; primary is for the single main action of a page. */
export function Button({ variant = 'secondary', size = 'normal', type = 'button', className, ...rest }: ButtonProps) {
  // The attribute is always one of the three literals of `type`.
  return (
    <button
      type={type}
      className={`button${className === undefined ? '' : ` ${className}`}`}
      data-variant={variant}
      data-size={size}
      {...rest}
    />
  )
}
