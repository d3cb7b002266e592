package main

type consumerCmd struct {
	Config string `placeholder:"FILE" help:"Settings file (default: yroom.yaml, if there is one)."`

	Check bool `help:"Check the settings, and start nothing."`

	ProcessSettings
	ConsumerSettings
	AuthSettings
}

// Run serves clients until a signal, and then shuts down within the timeout.
func (c consumerCmd) Run(env environment) error {
	file, err := readServerSettings(c.Config)
	if err != nil {
		return err
	}
	set, err := settings{ProcessSettings: c.ProcessSettings, ConsumerSettings: c.ConsumerSettings, AuthSettings: c.AuthSettings}.complete(file)
	if err != nil {
		return err
	}
	if err := set.checkCluster("consumer"); err != nil {
		return err
	}
	if c.Check {
		return env.check(set, false)
	}
	return env.serveClients(set, false)
}
