package server

// Check says whether [New] would take the settings, defaults filled in, without
// opening or making anything but the files of TLS. The error is [ErrConfig] with
// everything that is wrong.
func (c Config) Check() error {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return err
	}
	_, err := c.tlsConfig()
	return err
}
