package main

type consumerCmd struct {
	Config string `placeholder:"FILE" help:"Settings file (default: yroom.yaml, if there is one)."`
	ProcessSettings
	ConsumerSettings
	AuthSettings
}

// Run serves clients until a signal, and then shuts down within the timeout.
func (c consumerCmd) Run(env environment) error {
	file, err := readSettings(c.Config)
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
	return env.serveClients(set, false)
}
